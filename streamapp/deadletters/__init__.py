"""Dead letters as an operator meets them: counted, listed, shown, exported, replayed, put aside."""
