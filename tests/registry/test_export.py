import json

import pytest

from dwcp.errors import InputError, StorageError
from dwcp.registry import Layout
from dwcp.registry._triton import version_number


def test_plain(publish, registry, tmp_path):
    publish(1)
    ref = publish(2)
    folder = registry.export("bandwidth", "latest", tmp_path / "out" / "deep", Layout.PLAIN)
    assert folder == tmp_path / "out" / "deep" / "v1.1"
    assert {path.name for path in folder.iterdir()} == {"model.onnx", "metadata.json"}
    assert (folder / "model.onnx").read_bytes() == b"\x08\x07weights 2"
    metadata = json.loads((folder / "metadata.json").read_bytes())
    assert (metadata["name"], metadata["version"], metadata["digest"]) == ("bandwidth", "1.1.0", ref.digest)
    assert [column["name"] for column in metadata["inputs"]] == ["window", "hour"]
    assert metadata["outputs"][0]["unit"] == "Mbit/s"
    assert metadata["metrics"]["model"]["accuracy"] == 0.97


def test_triton(publish, registry, tmp_path):
    ref = publish(1)
    folder = registry.export("bandwidth", "1.0.0", tmp_path / "models", Layout.TRITON)
    assert folder == tmp_path / "models" / "bandwidth"
    assert (folder / "1000000" / "model.onnx").read_bytes() == b"\x08\x07weights 1"
    text = (folder / "config.pbtxt").read_text()
    assert text.splitlines()[:7] == [
        'name: "bandwidth"',
        'backend: "onnxruntime"',
        'platform: "onnxruntime_onnx"',
        "max_batch_size: 64",
        'input [ { name: "window" data_type: TYPE_FP32 dims: [3] } ]',
        'input [ { name: "hour" data_type: TYPE_INT64 dims: [ 1 ] reshape: { shape: [ ] } } ]',
        'output [ { name: "mbps" data_type: TYPE_FP32 dims: [ 1 ] reshape: { shape: [ ] } } ]',
    ]
    assert f'key: "dwcp_digest" value {{ string_value: "{ref.digest}" }}' in text


def field(message, name, number, kind, *, repeated=False, of=None):
    added = message.field.add(name=name, number=number, type=kind, label=3 if repeated else 1)
    if of:
        added.type_name = f".inference.{of}"


def model_config():
    """Triton's ``ModelConfig``, as much of it as is written, with the published names, numbers and types."""
    descriptor_pb2 = pytest.importorskip("google.protobuf.descriptor_pb2")
    from google.protobuf import descriptor_pool, message_factory

    int32, int64, enum, message, text = 5, 3, 14, 11, 9
    file = descriptor_pb2.FileDescriptorProto(name="model_config.proto", package="inference", syntax="proto3")
    types = file.enum_type.add(name="DataType")
    for number, name in enumerate(["INVALID", "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8"]):
        types.value.add(name=f"TYPE_{name}", number=number)
    for number, name in ((9, "TYPE_INT64"), (11, "TYPE_FP32"), (12, "TYPE_FP64")):
        types.value.add(name=name, number=number)
    field(file.message_type.add(name="ModelTensorReshape"), "shape", 1, int64, repeated=True)
    for name, dims in (("ModelInput", 4), ("ModelOutput", 3)):
        tensor = file.message_type.add(name=name)
        field(tensor, "name", 1, text)
        field(tensor, "data_type", 2, enum, of="DataType")
        field(tensor, "dims", dims, int64, repeated=True)
        field(tensor, "reshape", 5, message, of="ModelTensorReshape")
    group = file.message_type.add(name="ModelInstanceGroup")
    kinds = group.enum_type.add(name="Kind")
    for number, name in enumerate(["KIND_AUTO", "KIND_GPU", "KIND_CPU", "KIND_MODEL"]):
        kinds.value.add(name=name, number=number)
    field(group, "count", 2, int32)
    field(group, "kind", 4, enum, of="ModelInstanceGroup.Kind")
    field(file.message_type.add(name="ModelParameter"), "string_value", 1, text)
    config = file.message_type.add(name="ModelConfig")
    entry = config.nested_type.add(name="ParametersEntry")
    entry.options.map_entry = True
    field(entry, "key", 1, text)
    field(entry, "value", 2, message, of="ModelParameter")
    field(config, "name", 1, text)
    field(config, "platform", 2, text)
    field(config, "max_batch_size", 4, int32)
    field(config, "input", 5, message, repeated=True, of="ModelInput")
    field(config, "output", 6, message, repeated=True, of="ModelOutput")
    field(config, "instance_group", 7, message, repeated=True, of="ModelInstanceGroup")
    field(config, "parameters", 14, message, repeated=True, of="ModelConfig.ParametersEntry")
    field(config, "backend", 17, text)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("inference.ModelConfig"))()


def test_the_configuration_is_read_by_protobuf(publish, registry, tmp_path):
    config = model_config()
    from google.protobuf import text_format

    ref = publish(1)
    folder = registry.export("bandwidth", "1.0.0", tmp_path, Layout.TRITON)
    text_format.Parse((folder / "config.pbtxt").read_text(), config)
    assert (config.name, config.backend, config.max_batch_size) == ("bandwidth", "onnxruntime", 64)
    assert [(tensor.name, list(tensor.dims)) for tensor in config.input] == [("window", [3]), ("hour", [1])]
    assert [tensor.HasField("reshape") for tensor in config.input] == [False, True]
    assert [tensor.data_type for tensor in config.input] == [11, 9]
    assert [(tensor.name, tensor.data_type) for tensor in config.output] == [("mbps", 11)]
    assert {name: entry.string_value for name, entry in config.parameters.items()} == {
        "intra_op_thread_count": "1",
        "dwcp_version": "1.0.0",
        "dwcp_digest": ref.digest,
        "dwcp_fingerprint": registry.load("bandwidth", "1.0.0").manifest.fingerprint,
    }


def test_integer_versions_sort_like_semantic_ones():
    versions = ["0.0.1", "0.1.0", "0.999.999", "1.0.0", "1.2.3", "1.10.0", "2.0.0"]
    numbers = [version_number(version) for version in versions]
    assert numbers == sorted(set(numbers))
    assert version_number("1.2.3") == 1002003


@pytest.mark.parametrize("version", ["0.0.0", "1.1000.0", "1.0.1000"])
def test_a_version_without_an_integer_form_is_refused(version):
    with pytest.raises(InputError, match="cannot be exported for Triton"):
        version_number(version)


@pytest.mark.parametrize("layout", list(Layout))
def test_what_stands_there_is_not_overwritten(publish, registry, tmp_path, tree, layout):
    publish(1)
    registry.export("bandwidth", "latest", tmp_path / "out", layout)
    before = tree(tmp_path / "out")
    publish(2, unit="kbit/s")
    with pytest.raises(InputError, match="not overwritten"):
        registry.export("bandwidth", "1.0.0", tmp_path / "out", layout)
    assert tree(tmp_path / "out") == before


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("mode", ["once", "full"])
def test_a_full_disk_leaves_nothing_half_there(
    publish, registry, tmp_path, tree, faulty_disk, monkeypatch, layout, mode
):
    publish(1)
    for step in range(1, 30):
        out = tmp_path / f"try-{step}"
        disk = faulty_disk(step, mode)
        with disk.broken(monkeypatch):
            refusal = ""
            try:
                registry.export("bandwidth", "latest", out, layout)
            except StorageError as error:
                refusal = str(error)
        assert ("No space left" in refusal) is disk.fired
        if not disk.fired:
            assert step > 8
            return
        assert tree(out) == {}
        registry.export("bandwidth", "latest", out, layout)
    raise AssertionError("never succeeded")
