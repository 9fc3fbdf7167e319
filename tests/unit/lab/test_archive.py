"""Images depend on content alone, and an archive leaves out what the receiver has."""
from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path

import orjson
import pytest

from elastometer_lab.archive import Image, Layer, stored_layer, write_archive, write_layer
from elastometer_lab.images import program_image
from elastometer_lab.programs import ProgramImage


def make_tree(root: Path) -> Path:
    (root / "package").mkdir(parents=True)
    (root / "package" / "module.py").write_text("answer = 42\n")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("run.sh")
    return root


def layer_at(path: Path, tree: Path) -> Layer:
    write_layer(path, trees=[(tree, "/opt/app")], texts=[("#!/bin/sh\n", "/usr/bin/tool")])
    return stored_layer(path)


@pytest.fixture
def image(tmp_path: Path) -> Image:
    layer = layer_at(tmp_path / "app.tar", make_tree(tmp_path / "tree"))
    return Image("docker.io/elastometer/app:1", (layer,), entrypoint=("/opt/app/run.sh",), environment=("A=1",))


def archive(images: list[Image], present: frozenset[str] = frozenset()) -> bytes:
    out = io.BytesIO()
    write_archive(images, "amd64", out, present)
    return out.getvalue()


def test_the_same_files_made_at_another_time_give_the_same_layer(tmp_path: Path) -> None:
    first, second = make_tree(tmp_path / "a"), make_tree(tmp_path / "b")
    os.utime(second / "run.sh", (1, 1))
    one, two = layer_at(tmp_path / "one.tar", first), layer_at(tmp_path / "two.tar", second)
    assert one.digest == two.digest
    assert one.path.read_bytes() == two.path.read_bytes()


def test_a_changed_byte_gives_another_digest(tmp_path: Path, image: Image) -> None:
    tree = make_tree(tmp_path / "changed")
    (tree / "package" / "module.py").write_text("answer = 43\n")
    changed = layer_at(tmp_path / "changed.tar", tree)
    other = Image(image.name, (changed,), image.entrypoint, image.environment)
    assert other.digest("amd64") != image.digest("amd64")


def test_an_entry_in_a_layer_comes_after_its_parent_directories(image: Image) -> None:
    with tarfile.open(image.layers[0].path) as tar:
        names = tar.getnames()
        modes = {entry.name: entry.mode for entry in tar}
    assert names.index("opt") < names.index("opt/app") < names.index("opt/app/package/module.py")
    assert len(names) == len(set(names))
    assert modes["opt/app/run.sh"] == modes["usr/bin/tool"] == 0o755
    assert modes["opt/app/package/module.py"] == 0o644


def test_an_archive_is_the_same_bytes_each_time(image: Image) -> None:
    assert archive([image]) == archive([image])


def test_every_blob_of_an_archive_hashes_to_its_name_and_the_index_leads_to_the_layer(image: Image) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive([image]))) as tar:
        blobs = {name.rpartition("/")[2]: tar.extractfile(name).read()  # type: ignore[union-attr]
                 for name in tar.getnames() if name.startswith("blobs/")}
        index = orjson.loads(tar.extractfile("index.json").read())  # type: ignore[union-attr]
    assert len(blobs) == 3
    assert all(hashlib.sha256(content).hexdigest() == name for name, content in blobs.items())
    entry = index["manifests"][0]
    assert entry["annotations"]["io.containerd.image.name"] == image.name
    assert entry["digest"] == image.digest("amd64")
    manifest = orjson.loads(blobs[entry["digest"].removeprefix("sha256:")])
    assert manifest["layers"][0]["digest"].removeprefix("sha256:") in blobs
    configuration = orjson.loads(blobs[manifest["config"]["digest"].removeprefix("sha256:")])
    assert configuration["config"]["User"] == "65532:65532"


def test_a_layer_that_the_receiver_has_is_left_out_but_still_named(image: Image) -> None:
    digest = f"sha256:{image.layers[0].digest}"
    with tarfile.open(fileobj=io.BytesIO(archive([image], frozenset({digest})))) as tar:
        names = tar.getnames()
    assert not any(image.layers[0].digest in name for name in names)
    assert digest.encode() in image.manifest("amd64")


def test_a_layer_shared_by_two_images_is_in_the_archive_once(image: Image) -> None:
    twin = Image("docker.io/elastometer/twin:1", image.layers, entrypoint=("/bin/true",))
    with tarfile.open(fileobj=io.BytesIO(archive([image, twin]))) as tar:
        assert sum(image.layers[0].digest in name for name in tar.getnames()) == 1


def test_a_noted_digest_is_not_believed_once_the_file_changed(tmp_path: Path) -> None:
    path = tmp_path / "layer.tar"
    path.write_bytes(b"one")
    before = stored_layer(path).digest
    path.write_bytes(b"other")
    assert stored_layer(path).digest != before


def test_an_image_of_programs_has_them_where_upstream_has_them(tmp_path: Path) -> None:
    binary = tmp_path / "prometheus-0123456789abcdef"
    binary.write_bytes(b"ELF")
    wanted = ProgramImage("quay.io/prometheus/prometheus:v3", (("prometheus", "/bin/prometheus"),), user="65534:65534")
    made = program_image(wanted, {"prometheus": binary}, tmp_path / "layers")
    with tarfile.open(made.layers[0].path) as tar:
        assert tar.getnames() == ["bin", "bin/prometheus"]
        assert tar.getmember("bin/prometheus").mode == 0o755
    assert made.entrypoint == ("/bin/prometheus",)
    assert made.user == "65534:65534"


def test_a_new_binary_makes_a_new_layer_and_drops_the_old_one(tmp_path: Path) -> None:
    wanted = ProgramImage("pause:1", (("pause", "/pause"),))
    layers = tmp_path / "layers"
    for name in ("pause-one", "pause-two"):
        (tmp_path / name).write_bytes(name.encode())
        program_image(wanted, {"pause": tmp_path / name}, layers)
    assert len(list(layers.glob("program-pause-*.tar"))) == 1
