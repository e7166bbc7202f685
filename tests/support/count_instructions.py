"""Count the ARM instructions that the hinge executes per score, beside those of the plain loop.

A script to be run by hand, on a machine of any kind; it needs `pip install unicorn`, an emulator:

    python tests/support/count_instructions.py --cpu apple-m1 --classes 3-100

Numba's code is taken before LLVM optimises it, compiled for the other processor, and run.
"""

import argparse
import contextlib
import ctypes
import functools
import itertools
import os
import re
import sys
from unittest import mock

os.environ |= {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}

import llvmlite.binding as llvm
import numpy as np
import unicorn
from numba import njit, types
from numba.core.codegen import JITCodeLibrary
from unicorn import arm64_const as arm

with mock.patch("platform.machine", return_value="aarch64"):  # chooses the ways of the kernels
    from kernels.simd import _losses
from kernels import jit
from kernels.simd._linking import KernelCompiler
from kernels.simd._ways import hinge_way
from kernels.simd.compiler import LABELS, OPTIONS

TRIPLE = "aarch64-unknown-linux-gnu"
ROWS = 64, 128
"""The difference between two numbers of rows leaves out what a call costs by itself."""

REFERENCES = re.compile(r"(define [^\n]*@NRT_(?:incref|decref)\([^\n]*)\{\n.*?\n\}", re.DOTALL)
"""Definitions of Numba's counts of references, which have this machine's instructions already."""

# --- compile for the other processor


@contextlib.contextmanager
def recorded():
    """List of the libraries that Numba optimises meanwhile, each with its code from before."""
    libraries, optimize = [], JITCodeLibrary._optimize_final_module

    def record(library):
        libraries.append((library, str(library._final_module)))
        optimize(library)

    with mock.patch.object(JITCodeLibrary, "_optimize_final_module", record):
        yield libraries


def optimized(library, text, entry, machine):
    """Apply the passes of Numba for another processor."""
    module = llvm.parse_assembly(REFERENCES.sub(r"\1{\nret void\n}", text))
    module.triple, module.data_layout = TRIPLE, str(machine.target_data)
    for function in module.functions:
        if not function.is_declaration and function.name != entry:
            function.linkage = "internal"
    cheap = {"loop_vectorize": False, "slp_vectorize": False, "opt": 0, "cost": "cheap"}
    with mock.patch.object(library.codegen, "_tm", machine):
        for options in (cheap, {}):
            passes, builder = library.codegen._module_pass_manager(**options)
            passes.run(module, builder)
    return module


class Compiled:
    """A function for an ARM processor, in this process's memory."""

    def __init__(self, function, signature, cpu, **flags):
        jitted = njit(**flags)(function)
        with recorded() as libraries:
            jitted.compile(signature)
        self.entry = jitted.overloads[jitted.signatures[0]].fndesc.llvm_func_name
        machine = llvm.Target.from_triple(TRIPLE).create_target_machine(
            cpu=cpu, opt=3, reloc="static", codemodel="jitdefault", jit=True
        )
        module = optimized(*libraries[-1], self.entry, machine)
        names = {one.name for one in module.functions if one.is_declaration} | {"memset", "memcpy"}
        self.outside = {llvm.address_of_symbol(name) for name in names}
        self.engine = llvm.create_mcjit_compiler(module, machine)
        self.engine.finalize_object()
        self.address = self.engine.get_function_address(self.entry)


# --- run it in an emulator that shares this process's memory

PAGE, STACK, RETURN = 1 << 12, 1 << 20, 1 << 12
INTEGERS = [getattr(arm, f"UC_ARM64_REG_X{k}") for k in range(8)]


class Emulator:
    """Runs compiled code where it is; what that calls outside is called in this process."""

    def __init__(self, code):
        self.code, self.count, self.stack = code, 0, np.zeros(STACK, np.uint8)
        self.machine = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
        self.machine.hook_add(unicorn.UC_HOOK_BLOCK, self._add)
        kinds = unicorn.UC_HOOK_MEM_READ_UNMAPPED | unicorn.UC_HOOK_MEM_WRITE_UNMAPPED
        self.machine.hook_add(kinds, self._share)

    def _add(self, _machine, _address, size, _data):
        self.count += size // 4

    def _share(self, machine, _access, address, size, *_):
        for page in {address // PAGE * PAGE, (address + size - 1) // PAGE * PAGE}:
            with contextlib.suppress(unicorn.UcError):  # one of the two may be shared already
                machine.mem_map_ptr(page, PAGE, unicorn.UC_PROT_ALL, page)
        return True

    def call(self, integers, margin):
        """Number of instructions of a call, in the convention of ARM."""
        top = (self.stack.ctypes.data + STACK // 2) // 16 * 16
        further = (ctypes.c_int64 * 64)(*integers[8:])
        ctypes.memmove(top, further, ctypes.sizeof(further))
        for register, value in zip(INTEGERS, integers[:8], strict=True):
            self.machine.reg_write(register, value)
        self.machine.reg_write(arm.UC_ARM64_REG_D0, int(np.float64(margin).view(np.uint64)))
        self.machine.reg_write(arm.UC_ARM64_REG_SP, top)
        self.machine.reg_write(arm.UC_ARM64_REG_LR, RETURN)
        self.count = 0
        self._run(self.code.address)
        return self.count

    def _run(self, address):
        while address != RETURN:
            try:
                self.machine.emu_start(address, RETURN)
            except unicorn.UcError as error:
                if error.errno != unicorn.UC_ERR_FETCH_UNMAPPED:
                    raise
            address = self.machine.reg_read(arm.UC_ARM64_REG_PC)
            if address in self.code.outside:
                address = self._call_outside(address)
            elif address != RETURN:
                self._share(self.machine, None, address, 4)

    def _call_outside(self, address):
        function = ctypes.CFUNCTYPE(ctypes.c_uint64, *[ctypes.c_uint64] * 8)(address)
        result = function(*(self.machine.reg_read(register) for register in INTEGERS))
        self.machine.reg_write(arm.UC_ARM64_REG_X0, result)
        return self.machine.reg_read(arm.UC_ARM64_REG_LR)


# --- the hinge


def flat(array):
    """An array as Numba passes it."""
    return [0, 0, array.size, array.itemsize, array.ctypes.data, *array.shape, *array.strides]


def per_score(code, classes, dtype, filled):
    """Instructions per score; a function that is `filled` takes its output as an argument."""
    counts = []
    for rows in ROWS:
        rng = np.random.default_rng(0)
        scores = rng.normal(size=(rows, classes)).astype(dtype)
        labels, out = rng.integers(0, classes, rows), np.empty_like(scores)
        result, error = np.zeros(16), np.zeros(1, np.int64)  # Numba's, returned through pointers
        arrays = [scores, labels, *[out] * filled]
        integers = [result.ctypes.data, error.ctypes.data, *itertools.chain(*map(flat, arrays))]
        counts.append(Emulator(code).call(integers, margin=1.0))
        np.testing.assert_allclose(result[0], loss(scores, labels), rtol=1e-5)
    return (counts[1] - counts[0]) / (ROWS[1] - ROWS[0]) / classes


def loss(scores, labels):
    """The hinge with a margin of 1."""
    rows = np.arange(len(scores))
    return np.maximum(scores - scores[rows, labels, None] + 1.0, 0.0).sum(1).mean() - 1.0


@functools.cache
def compiled(operation, dtype, way, cpu):
    """A kernel that takes its rows in a known way; the plain loop if that is None."""
    scores = types.Array(getattr(types, dtype), 2, "C")
    if way is None:
        return Compiled(getattr(jit, operation).py_func, (scores, LABELS, types.float64), cpu)
    kernel = getattr(_losses, f"{operation}_kernel").serial.py_func
    out = [scores] * operation.endswith("gradient")
    signature = scores, LABELS, types.float64, *out, types.Omitted(way)
    return Compiled(kernel, signature, cpu, pipeline_class=KernelCompiler, **OPTIONS)


def compare(operation, dtype, classes, cpu):
    """Instructions per score of the kernel and of the plain loop."""
    way = hinge_way(classes, np.dtype(dtype).itemsize)
    kernel, plain = (compiled(operation, dtype, one, cpu) for one in (way, None))
    filled = operation.endswith("gradient")
    return per_score(kernel, classes, dtype, filled), per_score(plain, classes, dtype, False)


def numbers(text):
    """Numbers of classes: "3,10" or "3-100"."""
    first, _, last = text.partition("-")
    return range(int(first), int(last) + 1) if last else [int(one) for one in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cpu", default="neoverse-n1", help="LLVM's name of an ARM processor")
    parser.add_argument("--classes", type=numbers, default="3,10,30,100", help="3,10 or 3-100")
    arguments = parser.parse_args()
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    above = 0
    print(f"{arguments.cpu}: instructions per score, kernels / plain loop")
    for dtype, classes in itertools.product(("float64", "float32"), arguments.classes):
        cells = [f"{dtype}  C = {classes:<4}"]
        for operation in ("svm_loss", "svm_loss_gradient"):
            kernel, plain = compare(operation, dtype, classes, arguments.cpu)
            cells.append(f"{operation} {kernel:5.1f} / {plain:5.1f}")
            above += kernel >= plain
        print(*cells, sep="  ", flush=True)
    sys.exit(f"{above} kernels execute no fewer instructions" if above else 0)


if __name__ == "__main__":
    main()
