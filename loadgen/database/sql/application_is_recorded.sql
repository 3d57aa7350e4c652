-- Whether anything of the application is recorded, or there only is what belongs to this tool.
SELECT EXISTS (SELECT FROM loadgen.created_objects WHERE name !~ '^loadgen(\.|$)')
