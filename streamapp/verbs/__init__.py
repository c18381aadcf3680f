"""The room of verbs: what `streamapp VERB` does, one module a verb, thin around the rooms below."""
