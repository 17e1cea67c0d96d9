DROP TABLE system_mails, audit_events, idempotent_answers, api_keys, invitations;
DROP POLICY people_of_the_company ON users;
DROP TABLE memberships, sign_in_attempts, sessions, users;
