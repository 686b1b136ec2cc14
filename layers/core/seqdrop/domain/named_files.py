def files_named_in(data, object_):
    return frozenset()
