def test_a_sound_store(run, store, told):
    done = run("store", "verify", "store")
    assert done.status == 0
    assert done.out.startswith("all is well: ")
    assert done.out.endswith(" blocks in 1 pack were read\n")
    assert "their data was not read" in run("store", "verify", "store", "--no-data").out
    said = told("verify", "store")
    assert set(said) == {"clean", "packs", "blocks", "faults", "touched", "seconds"}
    assert said["clean"] is True


def test_a_flipped_bit_is_found_and_its_file_named(run, store, told, ids, flip):
    flip()
    done = run("store", "verify", "store")
    assert done.status == 3
    lines = done.out.splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["damaged:", "pack"], ["damaged:", "block"]]
    assert lines[2:] == [f"touched: {ids()[0][:16]}:photos/summer/sea.jpg", lines[3]]
    assert lines[3].startswith("2 faults, 1 path touched; ")
    assert run("store", "verify", "store", "--no-data").status == 0
    said = told("verify", "store")
    assert [each["path"] for each in said["touched"]] == ["photos/summer/sea.jpg"]
    assert [each["kind"] for each in said["faults"]] == ["pack", "block"]
