-- The database's three logins, made once, by psql as a superuser in the new database. The passwords come out of its environment.
\getenv web WEB_PASSWORD
\getenv staff STAFF_PASSWORD
\getenv owner OWNER_PASSWORD
CREATE ROLE kith_app NOLOGIN NOSUPERUSER NOBYPASSRLS;
CREATE ROLE kith_admin NOLOGIN NOSUPERUSER NOBYPASSRLS;
CREATE ROLE kith_owner LOGIN BYPASSRLS PASSWORD :'owner';
CREATE ROLE kith_web LOGIN PASSWORD :'web' IN ROLE kith_app;
CREATE ROLE kith_staff LOGIN PASSWORD :'staff' IN ROLE kith_admin;
ALTER DATABASE kith OWNER TO kith_owner;
