"""The caches of machines that are not here, as py-cpuinfo and macOS describe them."""

import subprocess
import sys

import cpuinfo
import pytest

from bench.measurement import machine
from bench.measurement.costs import floors

K, M = 1 << 10, 1 << 20
# What py-cpuinfo 10 makes of: WMI and CPUID; CPUID alone, as on Windows without WMIC; sysctl and
# CPUID of an Intel Mac; an M1; lscpu where there is no sysfs; older versions, which give words.
MACHINES = {
    "Windows": (
        {"l2_cache_size": 2 * M, "l3_cache_size": 16 * M, "l2_cache_line_size": 512},
        {"L2 unified": "512K", "L3 unified": "16384K"},
        {"L1": 32 * K, "L2": 512 * K, "L3": 16 * M},
    ),
    "Windows on ARM": (
        {"l2_cache_size": 1536 * K, "l3_cache_size": 6 * M},
        {"L2 unified": "1536K", "L3 unified": "6144K"},
        {"L1": 32 * K, "L2": 1536 * K, "L3": 6 * M},
    ),
    "Windows without WMIC": (
        {"l2_cache_size": 64 * K, "l2_cache_line_size": 1280, "l2_cache_associativity": 7},
        {"L2 unified": "1280K"},
        {"L1": 32 * K, "L2": 1280 * K, "L3": 8 * M},
    ),
    "older Windows without WMIC": (
        {"l2_cache_size": 64 * K, "l2_cache_line_size": 256, "l2_cache_associativity": 6},
        {"L2 unified": "256K"},
        {"L1": 32 * K, "L2": 256 * K, "L3": 8 * M},
    ),
    "Intel Mac": (
        {"l2_cache_size": 256 * K, "l2_cache_line_size": 256, "l2_cache_associativity": 6},
        {"L2 unified": "256K"},
        {"L1": 32 * K, "L2": 256 * K, "L3": 8 * M},
    ),
    "M1": ({"brand_raw": "Apple M1", "l2_cache_size": 0}, {}, floors.USUAL_CACHES),
    "L1 alone": (
        {"l1_data_cache_size": 48 * K},
        {"L1 data": "48K"},
        floors.USUAL_CACHES | {"L1": 48 * K},
    ),
    "no sysfs": (
        {
            "l1_data_cache_size": 48 * K,
            "l1_instruction_cache_size": 32 * K,
            "l2_cache_size": 2 * M,
            "l2_cache_line_size": 64,
        },
        {"L1 data": "48K", "L1 instruction": "32K", "L2 unified": "2048K"},
        {"L1": 48 * K, "L2": 2 * M},
    ),
    "older": (
        {"l1_data_cache_size": "32 KB", "l2_cache_size": "1 MiB", "l3_cache_size": "12 MB"},
        {"L1 data": "32K", "L2 unified": "1M", "L3 unified": "12M"},
        {"L1": 32 * K, "L2": M, "L3": 12 * M},
    ),
}


def check(facts, levels):
    assert machine.caches() == facts
    *caches, memory = floors.levels()
    assert {level.name: level.capacity for level in caches} == levels
    assert [level.name for level in caches if level.shared] == [caches[-1].name]
    assert memory.measured > caches[-1].capacity


@pytest.mark.parametrize("name", MACHINES)
def test_caches_have_the_same_names_on_every_system(name, tmp_path, monkeypatch):
    info, facts, levels = MACHINES[name]
    monkeypatch.setattr(machine, "CACHES", tmp_path / "none")
    monkeypatch.setattr(cpuinfo, "get_cpu_info", lambda: info)
    check(facts, levels)


M1 = """hw.l1dcachesize: 65536
hw.l1icachesize: 131072
hw.l2cachesize: 4194304
hw.perflevel0.l1dcachesize: 131072
hw.perflevel0.l1icachesize: 196608
hw.perflevel0.l2cachesize: 12582912
"""
INTEL = """hw.l1dcachesize: 32768
hw.l1icachesize: 32768
hw.l2cachesize: 262144
hw.l3cachesize: 6291456
"""


@pytest.mark.parametrize(
    ("printed", "facts", "levels"),
    [
        (
            M1,
            {"L1 data": "128K", "L1 instruction": "192K", "L2 unified": "12288K"},
            {"L1": 128 * K, "L2": 12 * M},
        ),
        (
            INTEL,
            {
                "L1 data": "32K",
                "L1 instruction": "32K",
                "L2 unified": "256K",
                "L3 unified": "6144K",
            },
            {"L1": 32 * K, "L2": 256 * K, "L3": 6 * M},
        ),
        ("", {"L2 unified": "256K"}, {"L1": 32 * K, "L2": 256 * K, "L3": 8 * M}),
    ],
)
def test_caches_of_a_mac(printed, facts, levels, tmp_path, monkeypatch):
    def sysctl(words, **_):
        assert words[0] == "sysctl"
        assert set(printed.replace(": ", "\n").split("\n")[::2]) <= {*words, ""}
        return subprocess.CompletedProcess(words, 1, printed, "unknown oid")

    monkeypatch.setattr(machine, "CACHES", tmp_path / "none")
    monkeypatch.setattr(cpuinfo, "get_cpu_info", lambda: {"l2_cache_size": 256 * K})
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(subprocess, "run", sysctl)
    check(facts, levels)
