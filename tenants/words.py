"""Full text: the words of a record, an index that holds them for each tenant by itself, and the condition of a search.

PostgreSQL matches words only after a row has passed the policy of row-level security, for it cannot know that matching
tells nothing of the row: no search could use an index. So searches go through a view of the table's owner, whom the
policy does not bind, and which shows the ids and words of the running scope's tenant.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import BooleanField, F, Func, GeneratedField, TextField, Value
from django.db.models.functions import Coalesce, Concat

__all__ = ["Found", "FoundByStaff", "own_of", "search_column", "search_index"]

# What a tenant's words begin with in the index; two tenants that share it only share a part of the index.
OWN_LENGTH = 8
# PostgreSQL splits both sides: Python's idea of a letter differs in half of the world's scripts.
TYPED = "btrim(regexp_replace(lower(%s), '[^[:alnum:]]+', ' ', 'g'))"
# Without a word it finds every row of the tenant: each has at least its tenant among its words.
QUERY = f"({{own}} || replace({TYPED}, ' ', ' & ' || {{own}}) || ':*')::tsquery"


def search_column(*fields: str) -> GeneratedField:
    """Return a column that PostgreSQL keeps: the words of `fields`, and one for the tenant."""
    parts: list[Any] = [
        Func("tenant_id", template="'t' || replace(%(expressions)s::text, '-', '')", output_field=TextField())
    ]
    for field in fields:
        parts += [Value(" "), Coalesce(field, Value(""), output_field=TextField())]
    words = Func(
        Concat(*parts, output_field=TextField()),
        template="array_to_tsvector(array_remove(regexp_split_to_array(lower(%(expressions)s), '[^[:alnum:]]+'), ''))",
        output_field=SearchVectorField(),
    )
    return GeneratedField(expression=words, output_field=SearchVectorField(), db_persist=True)


def search_index(name: str) -> GinIndex:
    """Return the index of a search column, where each word stands behind a part of its tenant's id.

    A search reads its own tenant's words and no others, however many have the same.
    """
    return GinIndex(Func("search", "tenant_id", function="kith_words", output_field=SearchVectorField()), name=name)


class Found(Func):
    """Tells whether a record, or one that it refers to, holds every word of a text, the last as a prefix.

    `path` leads from the model to the search column, and `own` is what the tenant's words begin with. What is found is
    bound to the tenant of the running scope.
    """

    output_field = BooleanField()

    def __init__(self, model: type[models.Model], path: str, own: Any, text: Any) -> None:
        field: Any = model._meta.get_field(path.rpartition("__")[0] or model._meta.pk.name)
        super().__init__(F(field.attname))
        self.table = (field.related_model or model)._meta.db_table
        self.params: tuple[Any, ...] = (own, text, own)

    def matching(self) -> str:
        """Return the statement of the ids that are found."""
        return f"SELECT id FROM {self.table}_words WHERE words @@ {QUERY.format(own='%s')}"  # noqa: S608  a table's name

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the condition; with an array, for in a join the policy would come before the words again."""
        key, params = compiler.compile(self.get_source_expressions()[0])
        return f"{key} = ANY(ARRAY({self.matching()}))", [*params, *self.params]


class FoundByStaff(Found):
    """The same for the staff's role, which no policy binds: among the rows of several tenants."""

    def __init__(self, model: type[models.Model], path: str, tenant_ids: Collection[UUID], text: str) -> None:
        super().__init__(model, path, "", text)
        self.params = (sorted({own_of(tenant_id) for tenant_id in tenant_ids}), text)

    def matching(self) -> str:
        """Return the statement of the ids, one tenant after the other."""
        typed = QUERY.format(own="seat.own")
        return (
            f"SELECT r.id FROM unnest(%s::text[]) AS seat(own) JOIN {self.table} AS r "  # noqa: S608  a table's name
            f"ON kith_words(r.search, r.tenant_id) @@ {typed}"
        )


def own_of(tenant_id: UUID) -> str:
    """Return what a tenant's words begin with."""
    return tenant_id.hex[-OWN_LENGTH:]
