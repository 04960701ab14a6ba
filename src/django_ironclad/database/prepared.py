"""A statement that Django's ORM compiles once for each connection, and a cursor then runs with new values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, Field
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler

from .availability import in_line


class Parameter(Expression):
    """Stands in a query for a value of `field` that comes when the statement is run."""

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        return "%s", (self,)


@dataclass(frozen=True, slots=True)
class _Compiled:
    compiler: SQLCompiler
    sql: str
    params: tuple[Any, ...]
    #: What makes a database's values those of the fields, by column: to find them again costs more than the query.
    converters: dict[int, Any]


class Prepared:
    """The statement of the query that `build` makes, with a `Parameter` for whatever differs from run to run.

    To build and to compile a statement takes the ORM several times as long as it takes a database to run it.
    """

    def __init__(self, build: Callable[[], Query]) -> None:
        self._build = build

    def rows(self, using: str, **values: Any) -> list[tuple[Any, ...]]:
        """What a SELECT finds, `in_line` with others, as `values_list` would give it."""
        compiled = self._compiled(connections[using])

        def read() -> Any:
            with connections[using].cursor() as cursor:
                cursor.execute(compiled.sql, self._fill(compiled, values))
                return cursor.fetchall()

        found = in_line(read, using=using)
        return [tuple(row) for row in compiled.compiler.apply_converters(found, compiled.converters)]

    def changed(self, using: str, **values: Any) -> int:
        """How many rows an INSERT or UPDATE has changed."""
        compiled = self._compiled(connections[using])
        with connections[using].cursor() as cursor:
            cursor.execute(compiled.sql, self._fill(compiled, values))
            return int(cursor.rowcount)

    def _compiled(self, connection: BaseDatabaseWrapper) -> _Compiled:
        # On the connection, which is one thread's: with it they go.
        known: dict[Prepared, _Compiled] = vars(connection).setdefault("_ironclad_prepared", {})
        if self not in known:
            compiler = self._build().get_compiler(connection=connection)
            statement = compiler.as_sql()
            # An INSERT could be several.
            sql, params = statement[0] if isinstance(statement, list) else statement
            selected = [expression for expression, *_ in getattr(compiler, "select", None) or ()]
            known[self] = _Compiled(compiler, sql, tuple(params), compiler.get_converters(selected))
        return known[self]

    def _fill(self, compiled: _Compiled, values: dict[str, Any]) -> list[Any]:
        connection = compiled.compiler.connection
        return [
            param.output_field.get_db_prep_value(values[param.name], connection)
            if isinstance(param, Parameter)
            else param
            for param in compiled.params
        ]
