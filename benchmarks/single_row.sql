-- name: user_by_id (read, rows 1)
-- $1 user_id bigint = active_user
SELECT email, created_at, updated_at
FROM users
WHERE id = $1
