"""Tell of an exception without quoting it: its text may hold an address, its name and place never do."""


def codes(error: BaseException) -> str:
    """Name the exception, those it groups, and PostgreSQL's SQLSTATE where there is one."""
    name = type(error).__name__
    if isinstance(error, BaseExceptionGroup):
        return f"{name}({', '.join(sorted({codes(inner) for inner in error.exceptions}))})"
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    return f"{name}({state})" if state else name


def place(error: BaseException) -> str:
    """Return the function and line that raised it."""
    where = error.__traceback__
    while where and where.tb_next:
        where = where.tb_next
    return f"{where.tb_frame.f_code.co_qualname}:{where.tb_lineno}" if where else "?"
