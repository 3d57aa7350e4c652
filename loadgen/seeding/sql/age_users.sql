-- A new version with the same values: as wide as a visit's, and the trigger that dates changes lets it pass.
UPDATE public.users SET updated_at = updated_at WHERE id = ANY (%(users)s);
