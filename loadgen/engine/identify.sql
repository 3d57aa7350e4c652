-- name: identify (read, rows 1)
-- $1 user_id bigint = active_user
-- Both settings end with the transaction: a session-wide SET would leak an identity through transaction pooling.
SELECT set_config('role', 'affluvia_app_role', true), set_config('app.user_id', $1::bigint::text, true)
