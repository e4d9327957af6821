"""The addresses of the members' pages."""

from django.urls import path

from apikeys.pages import doors, home, keys

urlpatterns = [
    path("login/", doors.LogIn.as_view(), name="login"),
    path("logout/", doors.LogOut.as_view(), name="logout"),
    path("settings/", home.home, name="settings"),
    path("settings/keys/", keys.list_page, name="settings-keys"),
    path("settings/keys/new/", keys.issue_page, name="settings-key-new"),
    path("settings/keys/<str:key_id>/rotate/", keys.rotate_page, name="settings-key-rotate"),
    path("settings/keys/<str:key_id>/revoke/", keys.revoke_page, name="settings-key-revoke"),
]
