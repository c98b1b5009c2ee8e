"""The model of the paper, one file an idea.

Legend of the whole package: B samples (windows), T frames, P people, J = 17 joints, S objects and R relations of the
whole batch, N experts, G frame tokens, D vision width, d width of a graph, H width of the language model, L text
tokens, V vocabulary.
"""
