"""The statements of the queue. Each crosses tenants and joins every row on its own; times are the database's."""

__all__ = [
    "BEGIN", "CLAIM", "GIVE_BACK", "HOLD", "IS_DUE", "LOST", "PARK", "RENEW", "RESULT", "START", "TAKE", "WRITE_BACK"
]  # fmt: skip

# What waits is in the order of an index. The planner, which expects few rows of an endpoint, would rather sort them,
# all hundred thousand where it has been down.
BEGIN = "SET LOCAL synchronous_commit = off; SET LOCAL enable_sort = off"
# Slow is what answers slowly, has an opened circuit that no success has closed, or has yet to prove itself.
SLOW = "l.slow_marks > 0 OR l.opened > 0 OR l.last_success_at IS NULL"
CLAIM = f"""
WITH due AS (
  SELECT l.id, l.tenant_id, l.last_served_at, {SLOW} AS slow
  FROM webhooks_lane l JOIN webhooks_endpoint e ON e.tenant_id = l.tenant_id AND e.id = l.endpoint_id AND e.active
  WHERE l.next_due_at <= now() AND (l.lease_until IS NULL OR l.lease_until < now())
    AND l.tenant_id <> ALL(%(full)s)
), ready AS (
  SELECT * FROM due WHERE NOT slow
  UNION ALL (SELECT * FROM due WHERE slow ORDER BY last_served_at LIMIT %(slow)s)
), turns AS (
  SELECT id, last_served_at, row_number() OVER (PARTITION BY tenant_id ORDER BY last_served_at) AS turn FROM ready
), mine AS (
  SELECT l.id, l.lease_until FROM webhooks_lane l
  WHERE l.id IN (SELECT id FROM turns ORDER BY turn, last_served_at LIMIT %(lanes)s)
    AND l.next_due_at <= now() AND (l.lease_until IS NULL OR l.lease_until < now())
  FOR UPDATE SKIP LOCKED
)
UPDATE webhooks_lane l SET lease_until = now() + %(lease)s, lease_owner = %(owner)s, last_served_at = clock_timestamp()
FROM mine, webhooks_endpoint e
WHERE l.id = mine.id AND e.tenant_id = l.tenant_id AND e.id = l.endpoint_id
RETURNING l.tenant_id, l.endpoint_id, {SLOW},
  mine.lease_until IS NOT NULL, e.ordered, e.url, e.contract, e.headers_sealed,
  ARRAY(SELECT s.sealed FROM webhooks_endpointsecret s
        WHERE s.tenant_id = l.tenant_id AND s.endpoint_id = l.endpoint_id AND s.kind = e.signing
          AND (s.expires_at IS NULL OR s.expires_at > now())
        ORDER BY s.created_at DESC, s.id DESC)
"""  # noqa: S608  made of constants
IS_DUE = """
SELECT EXISTS (SELECT 1 FROM webhooks_lane l
               JOIN webhooks_endpoint e ON e.tenant_id = l.tenant_id AND e.id = l.endpoint_id AND e.active
               WHERE l.next_due_at <= now() AND (l.lease_until IS NULL OR l.lease_until < now()))
"""
# Whoever held these lanes is gone, and with it what became of its attempts.
LOST = """
UPDATE webhooks_attempt SET state = 'unknown', failure = 'the worker was lost before an answer came'
WHERE state = 'started' AND (tenant_id, endpoint_id) IN (SELECT * FROM unnest(%s::uuid[], %s::uuid[]))
"""
PARK = """
UPDATE webhooks_delivery SET status = 'poisoned', finished_at = now(),
  failure = 'its worker was lost again and again'
WHERE status = 'pending' AND starts >= %s AND starts > attempts
  AND (tenant_id, endpoint_id) IN (SELECT * FROM unnest(%s::uuid[], %s::uuid[]))
"""
# What is due, oldest first, live before replayed. What a worker was lost over comes last, the most suspect at the very
# end, and each alone, so that it harms nothing else. An ordered endpoint gets an event only where no earlier one of its
# record waits, or has yet to be fanned out.
IN_LINE = """
NOT (l.ordered AND (
  EXISTS (SELECT 1 FROM webhooks_delivery e
          WHERE e.tenant_id = d.tenant_id AND e.endpoint_id = d.endpoint_id AND e.status = 'pending'
            AND e.record_id = d.record_id AND e.record_version < d.record_version)
  OR EXISTS (SELECT 1 FROM tenants_event w
             WHERE w.tenant_id = d.tenant_id AND w.record_id = d.record_id AND w.fanned_out_at IS NULL
               AND w.audience = 'public' AND w.record_version < d.record_version)))
"""
WINDOW = 50
DUE = """
(SELECT d.* FROM webhooks_delivery d
 WHERE d.tenant_id = l.tenant_id AND d.endpoint_id = l.endpoint_id AND d.status = 'pending' AND d.due_at <= now()
   AND d.replay_no {live} AND {in_line} ORDER BY d.due_at LIMIT {window})
"""
TAKE = f"""
SELECT d.id, d.tenant_id, d.endpoint_id, d.event_id, d.type, d.attempts, v.resource,
  to_char(coalesce(v.occurred_at, d.created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  d.record_version, v.data::text, v.changes::text, floor(extract(epoch FROM clock_timestamp()))::bigint
FROM unnest(%s::uuid[], %s::uuid[], %s::int[], %s::bool[]) AS l(tenant_id, endpoint_id, share, ordered)
CROSS JOIN LATERAL (
  SELECT w.*, row_number() OVER (ORDER BY w.starts - w.attempts, w.replay_no > 0, w.due_at) AS place
  FROM ({DUE.format(live="= 0", in_line=IN_LINE, window=WINDOW)}
    UNION ALL {DUE.format(live="> 0", in_line=IN_LINE, window=WINDOW)}) w
  ORDER BY place LIMIT l.share
) d
LEFT JOIN tenants_event v ON v.tenant_id = d.tenant_id AND v.id = d.event_id
WHERE d.place = 1 OR d.starts <= d.attempts
"""  # noqa: S608  made of constants
START = """
WITH n AS (
  SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::int[])
    AS n(attempt_id, tenant_id, endpoint_id, delivery_id, event_id, number)
), d AS (
  UPDATE webhooks_delivery d SET starts = d.starts + 1 FROM n
  WHERE d.id = n.delivery_id AND d.event_id = n.event_id AND d.status = 'pending'
)
INSERT INTO webhooks_attempt (id, tenant_id, endpoint_id, delivery_id, number, state, failure, answer_headers, answer)
SELECT attempt_id, tenant_id, endpoint_id, delivery_id, number, 'started', '', '{}', '' FROM n
"""
# The lane's owner is asked again: whoever lost the lease must not write over what the next one does.
WRITE_BACK = """
WITH r AS (
  SELECT r.* FROM unnest(
    %(tenant)s::uuid[], %(endpoint)s::uuid[], %(delivery)s::uuid[], %(event)s::uuid[], %(attempt)s::uuid[],
    %(state)s::text[], %(status)s::text[], %(delay)s::float8[], %(code)s::int[], %(duration)s::int[],
    %(failure)s::text[], %(headers)s::jsonb[], %(answer)s::text[]
  ) AS r(tenant_id, endpoint_id, delivery_id, event_id, attempt_id, state, status, delay, code, duration, failure,
         headers, answer)
  JOIN webhooks_lane l ON l.tenant_id = r.tenant_id AND l.endpoint_id = r.endpoint_id AND l.lease_owner = %(owner)s
), a AS (
  UPDATE webhooks_attempt a SET state = r.state, status_code = r.code, duration_ms = r.duration, failure = r.failure,
    answer_headers = r.headers, answer = r.answer
  FROM r WHERE a.id = r.attempt_id
)
UPDATE webhooks_delivery d SET status = r.status, attempts = d.attempts + (r.state <> 'unknown')::int,
  due_at = CASE WHEN r.status = 'pending' THEN now() + r.delay * interval '1 second' ELSE d.due_at END,
  finished_at = CASE WHEN r.status = 'pending' THEN NULL ELSE now() END, status_code = r.code, failure = r.failure
FROM r WHERE d.id = r.delivery_id AND d.event_id = r.event_id AND d.status = 'pending'
"""
RESULT = (
    "tenant", "endpoint", "delivery", "event", "attempt", "state", "status", "delay", "code", "duration", "failure",
    "headers", "answer",
)  # fmt: skip
RENEW = """
UPDATE webhooks_lane SET lease_until = now() + %s
WHERE lease_owner = %s AND (tenant_id, endpoint_id) IN (SELECT * FROM unnest(%s::uuid[], %s::uuid[]))
"""
# The lock comes in a statement of its own: the next one then sees what a fan-out that held it has added.
HOLD = """
SELECT 1 FROM webhooks_lane WHERE lease_owner = %s
  AND (tenant_id, endpoint_id) IN (SELECT * FROM unnest(%s::uuid[], %s::uuid[]))
ORDER BY endpoint_id FOR UPDATE
"""
NEXT = """
(SELECT min(d.due_at) FROM webhooks_delivery d, LATERAL (SELECT o.ordered) AS l(ordered)
 WHERE d.tenant_id = o.tenant_id AND d.endpoint_id = o.endpoint_id AND d.status = 'pending' AND d.replay_no {live}
   AND {in_line})
"""
# The circuit opens at seven failures in ten and more within five minutes, and again when its probe fails: each time
# for twice as long, an hour at most. An endpoint is given up after five days without a success, and ten failures.
GIVE_BACK = f"""
WITH r AS (
  SELECT l.id, l.tenant_id, l.endpoint_id, r.total, r.failed, r.slow, r.total > r.failed AS succeeded,
    CASE WHEN l.window_at < now() - interval '5 minutes' THEN now() ELSE l.window_at END AS window_at,
    CASE WHEN l.window_at < now() - interval '5 minutes' THEN 0 ELSE l.window_total END + r.total AS window_total,
    CASE WHEN l.window_at < now() - interval '5 minutes' THEN 0 ELSE l.window_failed END + r.failed AS window_failed
  FROM unnest(%(tenant)s::uuid[], %(endpoint)s::uuid[], %(total)s::int[], %(failed)s::int[], %(slow)s::bool[])
    AS r(tenant_id, endpoint_id, total, failed, slow)
  JOIN webhooks_lane l ON l.tenant_id = r.tenant_id AND l.endpoint_id = r.endpoint_id AND l.lease_owner = %(owner)s
), n AS (
  SELECT r.*, r.failed > 0 AND NOT (l.opened > 0 AND r.succeeded) AND (l.opened > 0
      OR r.window_total >= 10 AND r.window_failed >= 0.7 * r.window_total) AS opens,
    CASE WHEN r.succeeded THEN NULL WHEN r.failed > 0 THEN coalesce(l.failing_since, now()) ELSE l.failing_since END
      AS failing_since,
    CASE WHEN r.succeeded THEN 0 ELSE l.failures END + CASE WHEN r.succeeded THEN 0 ELSE r.failed END AS failures,
    l.warned_at AS warned_at, e.ordered
  FROM r JOIN webhooks_lane l ON l.id = r.id
  JOIN webhooks_endpoint e ON e.tenant_id = l.tenant_id AND e.id = l.endpoint_id
), o AS (
  SELECT n.*, CASE WHEN n.opens THEN now() + %(circuit)s * least(power(2, l.opened), %(longest)s)
                   WHEN n.succeeded THEN NULL ELSE l.open_until END AS until,
    n.failing_since < now() - %(warn)s AND n.warned_at IS NULL AS worries,
    n.failing_since < now() - %(over)s AND n.failures >= 10 AS ends
  FROM n JOIN webhooks_lane l ON l.id = n.id
)
UPDATE webhooks_lane l SET lease_until = NULL, lease_owner = NULL,
  window_at = o.window_at,
  window_total = CASE WHEN o.opens THEN 0 ELSE o.window_total END,
  window_failed = CASE WHEN o.opens THEN 0 ELSE o.window_failed END,
  opened = CASE WHEN o.opens THEN l.opened + 1 WHEN o.succeeded THEN 0 ELSE l.opened END,
  open_until = o.until,
  slow_marks = CASE WHEN o.slow THEN 20 ELSE greatest(l.slow_marks - o.total, 0) END,
  failing_since = o.failing_since, failures = o.failures,
  warned_at = CASE WHEN o.succeeded THEN NULL WHEN o.worries THEN now() ELSE l.warned_at END,
  last_success_at = CASE WHEN o.succeeded THEN now() ELSE l.last_success_at END,
  next_due_at = greatest(
    least({NEXT.format(live="= 0", in_line=IN_LINE)}, {NEXT.format(live="> 0", in_line=IN_LINE)}), o.until)
FROM o WHERE l.id = o.id
RETURNING l.tenant_id, l.endpoint_id, o.worries, o.ends
"""  # noqa: S608  made of constants
