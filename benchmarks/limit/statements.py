"""The statements of the limit, on tables like the stock peer's."""

__all__ = [
    "ADD", "ADD_SAFELY", "AFTER", "COLUMNS", "COUNT", "FILTERED", "INVOICES", "INVOICE_COLUMNS", "INVOICE_COUNT", "KEY",
    "LATEST", "LINES", "LINE_COLUMNS", "ONE", "SEARCH",
]  # fmt: skip

COLUMNS = tuple(
    "id name type status email phone company_name website tax_id language currency billing_address shipping_address "
    "contact_points tags notes external_ref custom_fields metadata created_at updated_at".split()
)
INVOICE_COLUMNS = tuple(
    "id client_id number status issue_date due_date currency subtotal discount_total tax_total total amount_paid "
    "amount_due notes terms accounting external_ref quote_id order_id sent_at paid_at created_at updated_at".split()
)
LINE_COLUMNS = ("product_id", "description", "quantity", "rate", "discount_percent", "tax_rate", "amount")

# The names are this module's own, and the values are parameters.
SHOWN, INVOICE, LINE = ", ".join(COLUMNS), ", ".join(INVOICE_COLUMNS), ", ".join(LINE_COLUMNS)
KEY = "SELECT id, tenant_id FROM stock_apikey WHERE digest = %s AND NOT revoked"
ONE = f"SELECT {SHOWN} FROM stock_client WHERE tenant_id = %s AND id = %s"  # noqa: S608
COUNT = "SELECT count(*) FROM stock_client WHERE tenant_id = %s"
ORDER = "ORDER BY created_at DESC, id DESC"
LATEST = f"SELECT {SHOWN}, ({COUNT}) FROM stock_client WHERE tenant_id = %s {ORDER} LIMIT %s OFFSET %s"  # noqa: S608
FILTERED = f"""
SELECT {SHOWN}, (SELECT count(*) FROM stock_client WHERE tenant_id = %s AND language = %s)
FROM stock_client WHERE tenant_id = %s AND language = %s ORDER BY name, id LIMIT %s OFFSET %s
"""  # noqa: S608
# Compared as a row, the index leads straight to the place.
AFTER = f"""
SELECT {SHOWN} FROM stock_client
WHERE tenant_id = %s AND (created_at, id) < (%s::timestamptz, %s::uuid) {ORDER} LIMIT %s
"""  # noqa: S608
# The tenant is a word of the column (see benchmarks/data.py), so that the index serves all without meeting others.
SEARCH = f"""
WITH found AS MATERIALIZED (
    SELECT {SHOWN} FROM stock_client WHERE tenant_id = %s AND words @@ %s::tsquery
)
SELECT *, (SELECT count(*) FROM found) FROM found {ORDER} LIMIT %s
"""  # noqa: S608
INVOICE_COUNT = "SELECT count(*) FROM stock_invoice WHERE tenant_id = %s"
INVOICES = f"""
SELECT {INVOICE}, ({INVOICE_COUNT}) FROM stock_invoice WHERE tenant_id = %s {ORDER} LIMIT %s OFFSET %s
"""  # noqa: S608
LINES = f"SELECT invoice_id, {LINE} FROM stock_invoiceline WHERE invoice_id = ANY(%s) ORDER BY position"  # noqa: S608

INSERT = """
INSERT INTO stock_client (id, tenant_id, created_at, updated_at, name, type, status, email, phone, company_name,
    language, currency, billing_address, contact_points, tags, custom_fields, metadata)
VALUES (%(id)s, %(tenant)s, now(), now(), %(name)s, %(type)s, 'active', %(email)s, %(phone)s, %(company_name)s,
    %(language)s, %(currency)s, %(billing_address)s, '[]', %(tags)s, '{}', '{}')
"""
ADD = f"{INSERT} RETURNING {SHOWN}"
ADD_SAFELY = f"""
WITH once AS (
    INSERT INTO stock_idempotencykey (tenant_id, key, request_hash, status, created_at)
    VALUES (%(tenant)s, %(key)s, %(hash)s, 201, now())
), added AS ({ADD}), audited AS (
    INSERT INTO stock_auditlog (tenant_id, api_key_id, action, record_id, data, created_at)
    SELECT %(tenant)s, %(api_key)s, 'client.created', id, to_jsonb(added), now() FROM added
), queued AS (
    INSERT INTO stock_outbox (tenant_id, event, payload, created_at)
    SELECT %(tenant)s, 'client.created', to_jsonb(added), now() FROM added
)
SELECT * FROM added
"""  # noqa: S608
