"""Tell whether the package `kernels` is lossbench's: another distribution has the same name."""

from importlib.util import find_spec

ADVICE = "Install lossbench again, in an environment without a distribution named kernels"


def foreign_kernels() -> str:
    """Return in one line whose package `kernels` is there instead of ours; empty if it is ours.

    Nothing is imported: ours takes long, and a foreign one may do anything. Another distribution
    replaces our `__init__.py`, or stands before ours on the path; uninstalling it removes the file.
    """
    spec = find_spec("kernels")
    if spec is None:
        return f"lossbench: its package `kernels` is missing. {ADVICE}"
    source = getattr(spec.loader, "get_source", lambda _: "")("kernels") or ""
    if "from kernels.simd" in source:
        return ""
    where = spec.origin or next(iter(spec.submodule_search_locations or ()), "memory")
    return f"lossbench: the package `kernels` in {where} is not lossbench's. {ADVICE}"
