DROP TABLE agent_webhooks;
DROP TABLE models;
