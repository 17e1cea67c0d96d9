DROP TABLE send_proof_parts;
DROP TABLE send_proofs;
