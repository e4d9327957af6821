-- What the rows of the measuring are made by: everything follows from a number, so each database holds the same.

-- When the row with a number was made: one a minute.
CREATE FUNCTION pg_temp.made(n int) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
$$ SELECT timestamptz '2025-01-01 00:00:00+00' + n * interval '1 minute' $$;

-- Its UUIDv7.
CREATE FUNCTION pg_temp.id_of(kind text, n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT (lpad(to_hex((extract(epoch FROM timestamptz '2025-01-01 00:00:00+00' + n * interval '1 minute')
                        * 1000)::bigint), 12, '0')
           || '7' || substr(md5(kind || n), 1, 3) || '8' || substr(md5(kind || n), 4, 15))::uuid $$;

-- Its tenant: each fifth row is the first one's.
CREATE FUNCTION pg_temp.tenant_of(n int, tenants uuid[]) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT tenants[CASE WHEN mod(n, 5) = 0 THEN 1 ELSE 2 + mod(n - n / 5, cardinality(tenants) - 1) END] $$;

-- The price of an hour.
CREATE FUNCTION pg_temp.rate(n int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT 20 + mod(n, 90) $$;

-- No word begins with another one.
CREATE FUNCTION pg_temp.first_name(n int) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT (ARRAY['Ada', 'Boris', 'Clara', 'David', 'Elena', 'Felix', 'Greta', 'Hugo', 'Irene', 'Jonas'])
          [1 + mod(n / 13, 10)] $$;
CREATE FUNCTION pg_temp.last_name(n int) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT (ARRAY['Garcia', 'Horvat', 'Keller', 'Lindberg', 'Moreau', 'Novak', 'Okafor', 'Pereira', 'Rossi', 'Schmidt'])
          [1 + mod(n / 17, 10)] || lpad(mod(n / 3, 10)::text, 2, '0') $$;
