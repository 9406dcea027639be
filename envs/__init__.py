from envs.programs import Options as PO, Programs
ENVIRONMENTS={"programs":(PO,Programs)}
