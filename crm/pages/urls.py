"""The addresses of the pages of webhooks."""

from django.urls import path

from crm.pages import acting, deliveries, endpoints

PLACE = "settings/webhooks/"
ONE = f"{PLACE}<str:endpoint_id>/"

urlpatterns = [
    path(PLACE, endpoints.list_page, name="settings-webhooks"),
    path(f"{PLACE}new/", endpoints.create_page, name="settings-webhook-new"),
    path(f"{PLACE}deliveries/<str:delivery_id>/", deliveries.delivery_page, name="settings-delivery"),
    path(f"{PLACE}deliveries/<str:delivery_id>/replay/", deliveries.again_page, name="settings-delivery-replay"),
    path(ONE, endpoints.show_page, name="settings-webhook"),
    path(f"{ONE}edit/", endpoints.edit_page, name="settings-webhook-edit"),
    path(f"{ONE}test/", acting.test_page, name="settings-webhook-test"),
    path(f"{ONE}switch/", acting.switch_page, name="settings-webhook-switch"),
    path(f"{ONE}rotate/", acting.rotate_page, name="settings-webhook-rotate"),
    path(f"{ONE}reveal/", acting.reveal_page, name="settings-webhook-reveal"),
    path(f"{ONE}delete/", acting.delete_page, name="settings-webhook-delete"),
    path(f"{ONE}deliveries/", deliveries.log_page, name="settings-deliveries"),
    path(f"{ONE}replay/", acting.replay_page, name="settings-webhook-replay"),
]
