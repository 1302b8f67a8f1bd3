"""What each run of the pipeline needs, loaded once by the process that runs are forked off.

Only that process imports this, and nothing else here happens at an import. It starts no threads.
"""

from kyo_pipeline.adapters import languages

languages.load()
