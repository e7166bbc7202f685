"""Loops are read from assembly: of x86-64, and of ARM, which these tests need not run on."""

from bench.loops.assembly import instructions, loops_of, main_loop

X86 = """
kernel:                                 # @kernel
	.file	1 "/folder" "kernel.py"
	.loc	1 2 1                           # kernel.py:2:1
	movabsq	$exp, %rbx
	movabsq	$NRT_incref, %rax
	movq	%rax, 24(%rsp)                  # 8-byte Spill
# %bb.1:                                # %vector.memcheck
	cmpq	%rdx, %rcx
.LBB0_2:                                # %outer
                                        # =>This Loop Header: Depth=1
                                        #     Child Loop BB0_4 Depth 2
	.loc	1 3 1                           # kernel.py:3:1
	movq	24(%rsp), %rcx                  # 8-byte Reload
	callq	*%rcx
.LBB0_4:                                # %vector.body
                                        #   Parent Loop BB0_2 Depth=1
                                        # =>  This Inner Loop Header: Depth=2
	.loc	1 4 1                           # kernel.py:4:1
	vmovupd	(%rdi,%rbx,8), %ymm0
	vaddpd	(%rsi,%rbx,8), %ymm0, %ymm0
	vfmadd231pd	(%rsi,%rbx,8), %ymm0, %ymm1
	.loc	2 7 1                           # helper.py:7:1 @[ kernel.py:5:1 ]
	vmulsd	%xmm2, %xmm3, %xmm3
	sarq	$63, %rdx
	idivq	%rsi
	callq	*%rbx
	jne	.LBB0_4
# %bb.5:                                #   in Loop: Header=BB0_2 Depth=1
	vaddsd	%xmm2, %xmm3, %xmm3
	jne	.LBB0_2
# %bb.6:
	vaddpd	%zmm0, %zmm0, %zmm0
	retq
"""
ARM = """
kernel:                                 // @kernel
	.loc	1 2 1                           // kernel.py:2:1
	mov	x8, :abs_g0_nc:exp
	movk	x8, #0, lsl #16
.LBB0_2:                                // %vector.body
                                        // =>This Inner Loop Header: Depth=1
	.loc	1 3 1                           // kernel.py:3:1
	ldp	q0, q1, [x9]
	fadd	v0.2d, v0.2d, v1.2d
	fmul	d3, d3, d4
	sdiv	x3, x4, x5
	blr	x8
	bl	pow
	b.ne	.LBB0_2
"""
HERE, THERE = (("kernel.py", 4),), (("helper.py", 7), ("kernel.py", 5))


def test_nested_loops_of_x86():
    outer, inner = loops_of(X86)
    assert (outer.header, outer.parent) == ("BB0_2", "")
    assert (inner.header, inner.parent) == ("BB0_4", "BB0_2")
    assert (outer.packed, outer.scalar) == (0, 1)
    assert (inner.packed, inner.scalar) == (2, 1)
    assert inner.registers == {"ymm": 2}
    assert inner.frames == {HERE: 3, THERE: 5}
    assert inner.calls == {("exp", THERE): 1}
    assert inner.divisions == inner.sign_tests == {THERE: 1}
    assert inner.checks_overlap
    assert not outer.checks_overlap


def test_a_function_is_followed_through_the_stack():
    outer, _ = loops_of(X86)
    assert outer.calls == {("NRT_incref", (("kernel.py", 3),)): 1}


def test_a_loop_of_arm():
    (loop,) = loops_of(ARM)
    line = (("kernel.py", 3),)
    assert (loop.packed, loop.scalar) == (1, 1)
    assert loop.registers == {"v": 1}
    assert loop.calls == {("exp", line): 1, ("pow", line): 1}
    assert loop.divisions == {line: 1}


def test_the_loop_that_works_is_the_one_with_vectors():
    assert main_loop(loops_of(X86)).header == "BB0_4"
    assert main_loop([]) is None


def test_code_without_comments_has_no_known_loops():
    """As of an llvmlite that cannot write them."""
    plain = "\n".join(line.partition("#")[0] for line in X86.splitlines())
    assert loops_of(plain) == []


def test_builds_are_compared_without_names_and_lines():
    renamed = X86.replace("$exp", "$_ZN4otherE").replace("kernel.py:4", "kernel.py:9")
    assert instructions(renamed) == instructions(X86)
    assert instructions(X86.replace("vaddpd", "vsubpd")) != instructions(X86)
    assert instructions(X86.replace("%ymm1", "%ymm2")) != instructions(X86)
