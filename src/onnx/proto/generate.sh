#!/bin/sh
# Generates src/onnx/proto/generated from onnx.proto (npm run proto). Needs protoc (Debian: protobuf-compiler).
#
# onnx.proto is ONNX's own file, unchanged, from the Python package onnx 1.23.2 (Apache-2.0,
# https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
#
# Tensors are declared as `bytes` before generating: on the wire an embedded message and a byte string are the
# same, so the decoder hands out tensors as undecoded views, and weights are neither copied nor turned into
# arrays of JavaScript numbers. tensor-wire.ts reads and writes what is inside.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -E -e 's/(optional|repeated) TensorProto (t|tensors|initializer|values|indices) = /\1 bytes \2 = /' onnx.proto >"$work/onnx.proto"
rm -rf generated
mkdir generated
protoc --plugin="protoc-gen-es=../../../node_modules/.bin/protoc-gen-es" --proto_path="$work" \
  --es_out=generated --es_opt=target=ts,import_extension=js onnx.proto
