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


cdef int add_member(type kind, str name, Py_ssize_t offset, int flags, str doc) except -1:
    cdef PyTypeObject *owner = <PyTypeObject *>kind
    cdef PyMemberDef *member = <PyMemberDef *>PyMem_Malloc(sizeof(PyMemberDef))
    cdef bytes text = name.encode()
    if member is NULL:
        raise MemoryError
    texts_in_use.append(text)
    member.name = text
    member.type = T_OBJECT_EX
    member.offset = offset
    member.flags = flags
    member.doc = NULL
    if doc is not None:
        text = doc.encode()
        texts_in_use.append(text)
        member.doc = text
    PyDict_SetItemString(owner.tp_dict, member.name, PyDescr_NewMember(owner, member))
    return 0


def add_members(type kind, *names, dict readable={}, dict docs={}):
    """Make the fields of *kind*, all of them objects, its attributes *names*, in their order.

    *readable*: public names, which cannot be set or deleted, and for each the one of *names* whose
    field it reads. A field that a program deletes has no value any more, and compiled code that
    reads it crashes: so compiled code reads only fields whose names are private, or are doors
    between rooms. *docs*: docstrings of public attributes.
    """
    cdef Py_ssize_t offset = kind.__base__.__basicsize__
    cdef dict offsets = {}
    if kind.__dictoffset__ == offset:
        # the first field is ``__dict__``, which is an attribute already
        offset += sizeof(PyObject *)
    if offset + len(names) * <Py_ssize_t>sizeof(PyObject *) != kind.__basicsize__:
        raise ValueError(f"{kind.__name__} has other fields than {names}")
    for name in names:
        add_member(kind, name, offset, 0, docs.get(name))
        offsets[name] = offset
        offset += sizeof(PyObject *)
    for name, field in readable.items():
        add_member(kind, name, offsets[field], READONLY, docs.get(name))
    PyType_Modified(kind)
