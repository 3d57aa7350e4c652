SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, YMD';
