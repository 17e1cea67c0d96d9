DROP FUNCTION platform_connector_sign_in(bytea);
DROP FUNCTION platform_waiting_connectors(timestamptz);
DROP TABLE connector_sign_ins;
DROP TABLE connector_calls;
DROP TABLE connector_tools;
DROP TABLE connectors;
