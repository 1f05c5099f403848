"""Is there a packet that …? Answers with a packet, with a proof that there is none, or honestly undecided."""
