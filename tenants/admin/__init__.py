"""The pages of this room in the admin: tenants, plans, members, accounts and the audit log."""

from tenants.admin import event, member, plan, tenant, user

__all__ = ["event", "member", "plan", "tenant", "user"]
