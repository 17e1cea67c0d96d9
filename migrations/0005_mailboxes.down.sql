DROP TABLE sandbox_mails, mailboxes;
