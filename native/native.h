/* The compiled part of the k-NN policy: what builtins/tree_features.py and builtins/knn_index.py do, on flat arrays.
 *
 * The Python modules are the reference and say what each function means; results are the same, bit by bit.
 */
#ifndef PROOFSEARCH_NATIVE_H
#define PROOFSEARCH_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

PyObject *tree_features(PyObject *module, PyObject *args);
PyObject *nearest(PyObject *module, PyObject *args);
PyObject *numbers(PyObject *module, PyObject *args);

#endif
