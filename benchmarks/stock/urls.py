"""The peer's addresses."""

from rest_framework.routers import DefaultRouter

from benchmarks.stock.api import ClientsByCursor, ClientViewSet, InvoiceViewSet, SafeClientViewSet

router = DefaultRouter()
router.register("clients", ClientViewSet, basename="client")
router.register("clients-by-cursor", ClientsByCursor, basename="client-by-cursor")
router.register("clients-safe", SafeClientViewSet, basename="client-safe")
router.register("invoices", InvoiceViewSet, basename="invoice")
urlpatterns = router.urls
