# SPDX-License-Identifier: BSD-2-Clause
"""tools/mkdisk, mkarchive, mkinitramfs, ksyms and loc: their output is read back by independent code."""
import os
import struct
import subprocess
import zlib

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def tool(name, *args, **options):
    return subprocess.run([os.path.join(TOP, "tools", name), *map(str, args)], capture_output=True, **options)


# ---- mkdisk

def header(disk, lba):
    raw = disk[lba * 512:lba * 512 + 92]
    fields = struct.unpack("<8sIIIIQQQQ16sQIII", raw)
    assert fields[0] == b"EFI PART" and fields[1] == 0x10000 and fields[2] == 92
    assert fields[3] == zlib.crc32(raw[:16] + bytes(4) + raw[20:])
    table = disk[fields[10] * 512:fields[10] * 512 + fields[11] * fields[12]]
    assert fields[13] == zlib.crc32(table)
    return fields, table


def entries(table):
    found = []
    for i in range(0, len(table), 128):
        if table[i:i + 16] != bytes(16):
            first, last = struct.unpack_from("<QQ", table, i + 32)
            found.append((table[i + 56:i + 128].decode("utf-16-le").rstrip("\0"), first, last))
    return found


def test_gpt(tmp_path):
    d = tmp_path / "g"
    (d / "auto").mkdir(parents=True)
    (d / "auto" / "a.cfg").write_text("name = 'a'\n")
    (d / "vmlinuz").write_bytes(os.urandom(300000))
    (d / "b.img").write_bytes(b"B" * 1000)
    with open(d / "a.img", "wb") as f:
        f.truncate(5 << 20)
        f.seek(3 << 20)
        f.write(b"data")
    disk_path = tmp_path / "disk.img"
    assert tool("mkdisk", "-o", disk_path, d).returncode == 0
    disk = disk_path.read_bytes()
    assert disk[510:512] == b"\x55\xaa" and disk[450] == 0xEE
    primary, table = header(disk, 1)
    last = len(disk) // 512 - 1
    backup, copy = header(disk, last)
    assert table == copy and primary[5:7] == (1, last) and backup[5:7] == (last, 1)
    parts = entries(table)
    assert [p[0] for p in parts] == ["guests", "a", "b"]
    edge = primary[7]
    for name, first, end in parts:
        assert edge <= first <= end <= primary[8], name
        edge = end + 1
    _, first, end = parts[1]
    assert (end - first + 1) * 512 == 5 << 20
    assert disk[first * 512:(end + 1) * 512] == (d / "a.img").read_bytes()
    _, first, end = parts[2]
    assert disk[first * 512:(end + 1) * 512] == b"B" * 1000 + bytes(24)
    assert os.stat(disk_path).st_blocks * 512 < 4 << 20  # holes stay holes

    _, first, end = parts[0]
    fs = tmp_path / "fs"
    fs.write_bytes(disk[first * 512:(end + 1) * 512])
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    assert subprocess.run(["e2fsck", "-fn", fs], env={"PATH": path}, capture_output=True).returncode == 0

    def cat(name):
        return subprocess.run(["debugfs", "-R", f"cat {name}", fs], env={"PATH": path}, capture_output=True).stdout

    assert cat("/auto/a.cfg") == b"name = 'a'\n"
    assert cat("/vmlinuz") == (d / "vmlinuz").read_bytes()
    assert cat("/a.img") == b""


@pytest.mark.parametrize("name, good", [("x" * 36, True), ("x" * 37, False), ("guests", False), ("", False)])
def test_partition_names(tmp_path, name, good):
    d = tmp_path / "g"
    d.mkdir()
    (d / (name + ".img")).write_bytes(bytes(512))
    done = tool("mkdisk", "-o", tmp_path / "disk", d)
    assert (done.returncode == 0) == good
    assert good or b"partition name" in done.stderr


# ---- mkarchive

@pytest.mark.parametrize("make", [lambda p: p.mkdir(), lambda p: p.symlink_to("/nothing"), os.mkfifo])
def test_image_that_is_no_file(tmp_path, make):
    (tmp_path / "d").mkdir()
    make(tmp_path / "d" / "a.img")
    done = tool("mkdisk", "-o", tmp_path / "disk", tmp_path / "d", text=True)
    assert done.returncode == 1 and "a.img: an image must be a file" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "disk").exists()


def test_links_of_a_directory(tmp_path):
    """A link to its own directory or one above is left out; a link that leads nowhere is reported."""
    d = tmp_path / "d"
    (d / "sub").mkdir(parents=True)
    (d / "sub" / "file").write_text("x")
    (d / "sub" / "up").symlink_to("..")
    (d / "self").symlink_to(".")
    (d / "other").symlink_to("sub")
    (d / "gone").symlink_to("/nothing")
    done = tool("mkdisk", "--files-only", "-o", tmp_path / "fs", d, text=True)
    assert done.returncode == 0 and "gone: there is no such file" in done.stderr

    def names(path):
        out = subprocess.run(["/sbin/debugfs", "-R", f"ls -p {path}", tmp_path / "fs"], capture_output=True, text=True).stdout
        return {line.split("/")[5] for line in out.splitlines() if line} - {".", "..", "lost+found"}

    assert names("/") == {"sub", "other"}
    assert names("/sub") == names("/other") == {"file"}


def elf(*segments, entry=0x10000000):
    """An ELF file of (vaddr, flags, data, memory size)."""
    table, body, offset = b"", b"", 4096
    for vaddr, flags, data, memsz in segments:
        table += struct.pack("<IIQQQQQQ", 1, flags, offset + len(body), vaddr, vaddr, len(data), memsz, 4096)
        body += data
    head = struct.pack("<4sBBB9xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 2, 62, 1, entry, 64, 0, 0, 64, 56, len(segments), 0, 0, 0)
    return (head + table).ljust(4096, b"\0") + body


def members(archive, offset):
    found = {}
    while True:
        fields = [int(archive[offset + 6 + 8 * i:offset + 14 + 8 * i], 16) for i in range(13)]
        assert archive[offset:offset + 6] == b"070701"
        name = archive[offset + 110:offset + 110 + fields[11]].rstrip(b"\0").decode()
        start = (offset + 110 + fields[11] + 3) & ~3
        if name == "TRAILER!!!":
            return found
        assert name not in found and fields[5] == fields[2] == fields[3] == 0
        found[name] = (start, archive[start:start + fields[6]])
        offset = (start + fields[6] + 3) & ~3


def test_archive(tmp_path):
    init = elf((0x10000000, 5, b"text" * 100, 400), (0x10001000, 6, b"data", 9000))
    (tmp_path / "init").write_bytes(init)
    (tmp_path / "odd").write_bytes(b"odd" * 1001)
    (tmp_path / "empty").write_bytes(b"")
    args = ["--init", tmp_path / "init", f"bin/z={tmp_path}/odd", f"a={tmp_path}/odd", f"m={tmp_path}/empty"]
    assert tool("mkarchive", "-o", tmp_path / "one", *args).returncode == 0
    os.utime(tmp_path / "odd", (1, 1))
    assert tool("mkarchive", "-o", tmp_path / "two", *args).returncode == 0
    archive = (tmp_path / "one").read_bytes()
    assert archive == (tmp_path / "two").read_bytes()
    magic, size, entry, files, files_size, n, _ = struct.unpack_from("<QQQQQII", archive)
    assert magic == 0x31544F4F424B53 and size == len(archive) and size % 4096 == 0 and entry == 0x10000000 and n == 2
    segments = [struct.unpack_from("<QQQQII", archive, 48 + 40 * i) for i in range(2)]
    assert [(s[1], s[2], s[3], s[4]) for s in segments] == [(0x10000000, 400, 400, 5), (0x10001000, 4, 9000, 3)]
    assert all(s[0] % 4096 == 0 for s in segments)
    assert archive[segments[0][0]:segments[0][0] + 400] == b"text" * 100
    assert files % 4096 == 0 and files + files_size <= size
    found = members(archive, files)
    assert list(found) == ["a", "bin/z", "init", "m"]
    assert found["init"][1] == init and found["a"][1] == found["bin/z"][1] == b"odd" * 1001 and found["m"][1] == b""
    assert all(start % 4096 == 0 for start, data in found.values() if data)


@pytest.mark.parametrize("bad, word", [
    (elf((0x10000000, 7, b"x", 1)), b"writable and executable"),
    (elf((0x10000010, 5, b"x", 1)), b"page boundary"),
    (elf((0x10000000, 5, b"xy", 1)), b"beyond"),
    (elf(), b"loadable"),
    (elf((0x10000000, 5, b"x", 1))[:100], b"program header"),
    (b"#!/bin/sh\n", b"not a 64-bit"),
])
def test_archive_refuses(tmp_path, bad, word):
    (tmp_path / "init").write_bytes(bad)
    done = tool("mkarchive", "-o", tmp_path / "out", "--init", tmp_path / "init")
    assert done.returncode != 0 and word in done.stderr
    assert not (tmp_path / "out").exists()


# ---- ksyms and loc

def test_ksyms(tmp_path):
    nm = b"ffffffff80200000 T start\nffffffff80200010 t inner\nffffffff80200010 T alias\nffffffff80300000 D data\n                 U gone\n"
    assert tool("ksyms", tmp_path / "k.S", input=nm).returncode == 0
    subprocess.run(["as", "-I", tmp_path, "-o", tmp_path / "k.o", tmp_path / "k.S"], check=True)
    blob = (tmp_path / "k.bin").read_bytes()
    table = [struct.unpack_from("<QII", blob, 16 * i)[:2] for i in range(2)]
    names = blob[32:]
    assert [(a, names[o:names.index(b"\0", o)]) for a, o in table] == [(0xffffffff80200000, b"start"), (0xffffffff80200010, b"inner")]
    assert ".long 2" in (tmp_path / "k.S").read_text()


def test_loc_strips_comments():
    code = {}
    source = open(os.path.join(TOP, "tools", "loc")).read().replace('if __name__ == "__main__":\n    main()', "")
    exec(compile(source, "loc", "exec"), code)
    text = '/* head\n * more\n */\n\nint a; /* tail */\n// line\n\tchar *s = "/* not */ // a comment";\nint b; /* x\ny */ int c;\n#define Q \'"\'\n'
    assert code["code_lines"](text) == 5


# ---- mkinitramfs

@pytest.fixture
def linux(tmp_path):
    """A directory as fetch-guest makes it, with one module that needs another."""
    modules = tmp_path / "kernel" / "lib" / "modules" / "6.1"
    modules.mkdir(parents=True)
    (tmp_path / "kernel" / "version").write_text("6.1\n")
    (modules / "modules.dep").write_text("fs/upper.ko: fs/lower.ko\nfs/lower.ko:\n")
    (modules / "modules.builtin").write_text("kernel/built_in.ko\n")
    (modules / "fs").mkdir()
    for name in ("upper", "lower"):
        (modules / "fs" / f"{name}.ko").write_text(name)
    (tmp_path / "kernel" / "busybox").write_text("busybox")
    return tmp_path / "kernel"


def test_a_ramdisk_of_another_init(tmp_path, linux):
    (tmp_path / "first").write_text("the init")
    (tmp_path / "data").write_text("the data")
    out = tmp_path / "ramdisk"
    done = tool("mkinitramfs", "--kernel", linux, "-o", out, "--plain", "--init", tmp_path / "first", "--module", "upper", "--module", "built-in",
                "--program", tmp_path / "data", "--add", f"{tmp_path / 'data'}=etc/deep/er/file", "--add", f"{tmp_path / 'first'}=etc/deep/two")
    assert done.returncode == 0, done.stderr
    where = tmp_path / "x"
    where.mkdir()
    subprocess.run(["cpio", "-i", "-d", "--quiet", "--no-absolute-filenames"], cwd=where, input=out.read_bytes(), check=False)
    listed = subprocess.run(["cpio", "-t", "--quiet"], input=out.read_bytes(), capture_output=True, check=True).stdout.decode().split()
    assert len(listed) == len(set(listed)) and listed.index("etc/deep") < listed.index("etc/deep/er") < listed.index("etc/deep/er/file")
    assert (where / "init").read_text() == "the init" and (where / "etc/deep/er/file").read_text() == "the data"
    assert (where / "bin/data").read_text() == "the data" and (where / "etc/deep/two").read_text() == "the init"
    assert (where / "modules.list").read_text() == "lower.ko\nupper.ko\n"


def test_a_ramdisk_without_a_module_that_it_needs(tmp_path, linux):
    (tmp_path / "first").write_text("")
    done = tool("mkinitramfs", "--kernel", linux, "-o", tmp_path / "ramdisk", "--init", tmp_path / "first", "--module", "missing")
    assert done.returncode and b"Linux 6.1 has no module missing" in done.stderr and not (tmp_path / "ramdisk").exists()
