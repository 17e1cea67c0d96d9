-- What the arguments of a question have to look like: a person who changes them is told at once when they cannot work.

ALTER TABLE run_approvals ADD COLUMN schema jsonb;
