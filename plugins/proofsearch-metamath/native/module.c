/* The module proofsearch_metamath._native. */
#include "native.h"

PyObject *TermTooLargeError;

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "proofsearch_metamath._native",
    .m_doc = "Terms, unification and steps, compiled; the Python modules say what they mean.",
    .m_size = -1,
};

PyMODINIT_FUNC PyInit__native(void)
{
    PyTypeObject *types[] = {&TermsType, &PatternType, &UnifierType, &CombinerType, &ApplicationType,
                             &ColumnType, &HandleType, &StepperType, &OutcomesType};
    const char *names[] = {"Terms", "Pattern", "Unifier", "Combiner", "Application", "Column", "Handle", "Stepper", "Outcomes"};
    PyObject *plain = PyImport_ImportModule("proofsearch_metamath.terms");
    if (plain == NULL)
        return NULL;
    TermTooLargeError = PyObject_GetAttrString(plain, "TermTooLargeError");
    Py_DECREF(plain);
    if (TermTooLargeError == NULL)
        return NULL;
    PyObject *module = PyModule_Create(&definition);
    for (size_t i = 0; module != NULL && i < sizeof(types) / sizeof(*types); i++)
        if (PyType_Ready(types[i]) < 0 || PyModule_AddObjectRef(module, names[i], (PyObject *)types[i]) < 0)
            Py_CLEAR(module);
    return module;
}
