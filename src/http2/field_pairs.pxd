cpdef list field_pairs(object headers, list raw)
cpdef dict response_fields(object status, list pairs)
