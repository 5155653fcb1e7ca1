/* The module proofsearch.builtins._native. */
#include "native.h"

static PyMethodDef methods[] = {
    {"tree_features", tree_features, METH_VARARGS, NULL},
    {"nearest", nearest, METH_VARARGS, NULL},
    {"numbers", numbers, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "proofsearch.builtins._native",
    .m_doc = "Features of trees and similar examples, compiled; the Python modules say what they mean.",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit__native(void) { return PyModule_Create(&definition); }
