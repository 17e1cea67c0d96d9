-- What happens with each e-mail writes less: an entry of an index that another one can stand for is paid three times
-- for each e-mail that leaves.

-- What counts towards the cap of a mailbox, or more than that: what was counted last, and all that was claimed since.
-- Nothing when something else has changed it. The count of a day is read again only when the cap is near.
ALTER TABLE mailboxes ADD COLUMN used_at_most bigint;

-- The e-mails of an enrolment are few, and `messages_once_key` begins with it.
DROP INDEX messages_enrolment_idx;
-- What is claimed at a time is little, and `messages_claimed_idx` finds all of it.
DROP INDEX messages_recipient_claimed_idx;
-- `enrolments_version_idx` holds the same rows, by campaign too.
DROP INDEX enrolments_open_idx;
