"""Pages and full text of the peer's lists."""

from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db.models import QuerySet
from rest_framework.filters import SearchFilter
from rest_framework.pagination import CursorPagination, LimitOffsetPagination
from rest_framework.request import Request

__all__ = ["LatestFirst", "Pages", "TextFilter"]


class Pages(LimitOffsetPagination):
    """Pages by offset, with a count."""

    default_limit, max_limit = 20, 100


class LatestFirst(CursorPagination):
    """Pages by cursor, never counted."""

    ordering = ("-created_at", "-id")
    page_size = 20


class TextFilter(SearchFilter):
    """Full text by the column that PostgreSQL keeps: much faster than the SearchFilter's own icontains."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        text = request.query_params.get(self.search_param, "")
        return queryset.filter(search=SearchQuery(text, config="simple")) if text else queryset
