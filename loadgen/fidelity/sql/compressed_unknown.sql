NULL::boolean
