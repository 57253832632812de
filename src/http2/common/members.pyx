# cython: language_level=3
"""Make the fields of an extension type attributes of Python, as ``__slots__`` does.

An attribute of Cython (``cdef public``) is a property: CPython looks it up again for each access.
A member, which is what ``__slots__`` creates, is read and written by the interpreter itself. So
Python code reads such a field as fast as before, and compiled code reads it like a field of C.
"""

from cpython.mem cimport PyMem_Malloc
from cpython.object cimport PyObject
from cpython.type cimport PyType_Modified


cdef extern from "structmember.h":
    ctypedef struct PyMemberDef:
        const char *name
        int type
        Py_ssize_t offset
        int flags
        const char *doc
    int T_OBJECT_EX
    int READONLY


cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        PyObject *tp_dict
    object PyDescr_NewMember(PyTypeObject *kind, PyMemberDef *member)
    int PyDict_SetItemString(PyObject *dictionary, const char *name, object value) except -1


# What the members of types point to: types of extension modules live as long as the process.
cdef list texts_in_use = []


def add_members(type kind, *names, tuple constant=(), dict docs={}):
    """Make the fields of *kind*, all of them objects, its attributes *names*, in their order.

    Those in *constant* cannot be changed or deleted. A deleted attribute is no field any more:
    compiled code must not read a field that a program might delete. *docs*: the docstrings of
    public attributes.
    """
    cdef Py_ssize_t offset = kind.__base__.__basicsize__
    cdef PyTypeObject *owner = <PyTypeObject *>kind
    cdef PyMemberDef *member
    cdef bytes encoded, doc
    if offset + len(names) * <Py_ssize_t>sizeof(PyObject *) != kind.__basicsize__:
        raise ValueError(f"{kind.__name__} has other fields than {names}")
    for name in names:
        encoded = (<str>name).encode()
        texts_in_use.append(encoded)
        member = <PyMemberDef *>PyMem_Malloc(sizeof(PyMemberDef))
        if member is NULL:
            raise MemoryError
        member.name = encoded
        member.type = T_OBJECT_EX
        member.offset = offset
        member.flags = READONLY if name in constant else 0
        member.doc = NULL
        if name in docs:
            doc = (<str>docs[name]).encode()
            texts_in_use.append(doc)
            member.doc = doc
        PyDict_SetItemString(owner.tp_dict, encoded, PyDescr_NewMember(owner, member))
        offset += sizeof(PyObject *)
    PyType_Modified(kind)
