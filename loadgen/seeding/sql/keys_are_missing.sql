SELECT NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'public.users'::regclass AND contype = 'p');
