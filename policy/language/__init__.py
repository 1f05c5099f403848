"""What all textual languages share: grammars, and the wording of syntax mistakes."""
