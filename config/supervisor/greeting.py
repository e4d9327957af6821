"""The last words of a start: where Kith is, and how to get in."""

from typing import Any

from config.env import Environment
from config.supervisor.console import Console
from config.supervisor.parts import place


def greet(console: Console, env: Environment, logins: dict[str, Any]) -> None:
    """Print the address of the house, the login of the demo, and one request that works as it stands."""
    base = f"http://{place(env)}"
    console.show(f"ready: {base}")
    admin = f"admin: {base}/admin/"
    if logins.get("admin_login") and logins.get("admin_password"):
        admin += f"   login {logins['admin_login']}   password {logins['admin_password']}"
    console.show(admin)
    if logins.get("member_login"):
        way = f"login {logins['member_login']}   password {logins['member_password']}"
        console.show(f"keys:  {base}/settings/keys/   {way}")
    if logins.get("key"):
        console.show(f'try:   curl -H "Authorization: Bearer {logins["key"]}" {base}/v1/clients')
