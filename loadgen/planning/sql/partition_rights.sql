-- Row security holds on the way in, which is {{ table }}. A partition reached by its own name is closed to the
-- application's role: it has no rights there, and row security beside.
ALTER TABLE {{ table }} ENABLE ROW LEVEL SECURITY;
{{ policy }};
{% for part in parts %}
ALTER TABLE {{ part.name }} ENABLE ROW LEVEL SECURITY;
{% endfor %}
{% if by_time %}
ALTER TABLE {{ table }}_later ENABLE ROW LEVEL SECURITY;
{% endif %}
GRANT SELECT, INSERT, UPDATE ON {{ table }} TO affluvia_app_role;
GRANT USAGE ON SEQUENCE {{ table }}_id_seq TO affluvia_app_role;
{% for view in views %}
{{ view.sql }};
GRANT SELECT ON {{ view.name }} TO affluvia_app_role;
{% endfor %}
