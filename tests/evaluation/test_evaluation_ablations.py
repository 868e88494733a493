"""Ablations remove what they should, and nothing else."""

import pickle

import numpy as np
import pytest

from odc_gym.agents import scheduler_factory
from odc_gym.evaluation import ablations
from odc_gym.evaluation.runner import evaluate
from odc_gym.interface.observations import FLEET, FLEET_CLASS, SATELLITE, SATELLITE_CLASS
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator


@pytest.fixture(scope="module")
def small():
    """Three satellites for two hours."""
    return Scenario.load("starter12", {"shells.0.orbit.total": 3, "episode.hours": 2})


@pytest.fixture
def simulator(small):
    batch = Simulator(small, 2)
    batch.reset([20_000, 20_001])
    return batch


class Filled:
    """Scheduler with a different value in each kind of component; it records what it sees."""

    def __init__(self, view):
        self.seen = []

    def reset(self, view, mask, seeds):
        self.seen.append(seeds)

    def act(self, view):
        self.seen.append(view.encoded)
        actions = view.layout.zeros(view.num_envs)
        for value, part in enumerate(ablations.components_by_kind(view.layout, actions).values(), start=1):
            part[...] = value / 8
        return actions


class OnlyBids(Filled):
    """Scheduler that closes all satellites to all work; its other components are zero."""

    def act(self, view):
        actions = view.layout.zeros(view.num_envs)
        view.layout.bids(actions)[:] = -1.0
        return actions


def test_parts_cover_every_component_once(simulator):
    actions = simulator.view.layout.zeros(2)
    for part in ablations.components_by_kind(simulator.view.layout, actions).values():
        part += 1
    assert (actions == 1).all() and set(ablations.components_by_kind(simulator.view.layout, actions)) == set(
        ablations.ACTION_KINDS
    )


@pytest.mark.parametrize("kinds", [["bid"], ["clock", "urgency"], ablations.ACTION_KINDS, []])
def test_zeroed_kinds_are_zero_and_the_others_untouched(simulator, kinds):
    view = simulator.view
    scheduler = ablations.zeroed(Filled, kinds)(view)
    scheduler.reset(view, np.ones(2, bool), simulator.seeds)
    for value, (kind, part) in enumerate(
        ablations.components_by_kind(view.layout, scheduler.act(view)).items(), start=1
    ):
        assert np.all(part == (0.0 if kind in kinds else value / 8)), kind


def test_a_policy_of_bids_alone_is_zero_when_they_are_zeroed_and_itself_when_all_else_is(small):
    others = [kind for kind in ablations.ACTION_KINDS if kind != "bid"]
    variants = {
        "zero": scheduler_factory("zero"),
        "policy": OnlyBids,
        "zeroed": ablations.zeroed(OnlyBids, ["bid"]),
        "alone": ablations.zeroed(OnlyBids, others),
    }
    results = evaluate(small, variants, [20_000, 20_001], workers=1).results
    assert np.array_equal(results["zeroed"].score, results["zero"].score)
    assert np.array_equal(results["alone"].score, results["policy"].score)
    assert (results["policy"].terms["compute"] == 0).all() and (results["zero"].terms["compute"] > 10).all()


def test_places_of_features_are_those_of_the_encoder(simulator):
    simulator.step(np.random.default_rng(0).uniform(-1, 1, (2, simulator.action_size)))
    view, classes = simulator.view, len(simulator.class_names)
    places = ablations.flat_features(view.satellites, classes)
    assert len(places) == view.encoded.shape[1]
    for name in (
        "charge_frac",
        "clock_request",
        "sunlit_frac",
        "bid",
        "day_sine",
        "served_frac",
    ):  # encoded as they are
        at = [k for k, (feature, _) in enumerate(places) if feature == name]
        value = view.observation[name]  # (B, S), (B, C, S), (B,) or (B, C); places go satellite by satellite
        value = value.transpose(0, 2, 1) if value.ndim == 3 else value
        np.testing.assert_allclose(view.encoded[:, at], np.reshape(value, (2, -1)), atol=1e-6, err_msg=name)


def test_blocks_cover_every_place_once_and_know_every_feature(simulator):
    blocks = ablations.block_indices(simulator.satellites, len(simulator.class_names))
    assert sorted(np.concatenate(list(blocks.values()))) == list(range(simulator.observation.shape[1]))
    known = {feature.name for rows in (SATELLITE, SATELLITE_CLASS, FLEET, FLEET_CLASS) for feature in rows}
    assert {name for members in ablations.OBSERVATION_BLOCKS.values() for name in members} <= known


def test_means_are_of_a_feature_and_class_over_satellites(simulator):
    satellites, classes = simulator.satellites, len(simulator.class_names)
    labels = ablations.flat_features(satellites, classes)
    assert len({label for label in labels}) == (len(labels) - len(FLEET) - classes * len(FLEET_CLASS)) // satellites + (
        len(FLEET) + classes * len(FLEET_CLASS)
    )
    observations = np.random.default_rng(1).uniform(-1, 1, (5, 2, len(labels))).astype(np.float32)
    means = ablations.feature_means(observations, satellites, classes)
    at = [k for k, label in enumerate(labels) if label == ("bid", 1)]
    assert len(at) == satellites
    np.testing.assert_allclose(means[at], observations[:, :, at].mean(), rtol=1e-5)
    at = labels.index(("oldest_wait_s", 2))
    np.testing.assert_allclose(means[at], observations[:, :, at].mean(), rtol=1e-5)


def test_a_masked_scheduler_sees_constants_in_the_places_and_the_rest_as_it_is(simulator):
    view, places = simulator.view, np.array([0, 7, 20])
    constants = np.array([0.5, -0.5, 0.25], np.float32)
    shown = []

    class Looks(Filled):
        def act(self, view):
            shown.append((view.encoded, view.observation["charge_frac"], view.layout))
            return super().act(view)

    scheduler = ablations.masked(Looks, places, constants)(view)
    scheduler.reset(view, np.ones(2, bool), simulator.seeds)
    before = view.encoded.copy()
    scheduler.act(view)
    encoded, charge, layout = shown[0]
    assert np.array_equal(encoded[:, places], np.tile(constants, (2, 1)))
    others = np.setdiff1d(np.arange(before.shape[1]), places)
    assert np.array_equal(encoded[:, others], before[:, others]) and np.array_equal(view.encoded, before)
    assert charge is view.observation["charge_frac"] and layout is view.layout


def test_an_ablation_plays_in_the_environment_of_the_whole_scheduler(small):
    whole = scheduler_factory("earliest-deadline")
    ablated = pickle.loads(pickle.dumps(ablations.zeroed(whole, ["bid"])))
    assert ablated.requires == whole.requires != {}
    assert ablations.zeroed(Filled, ["bid"]).requires == {}
    scores = evaluate(
        small, {"whole": whole, "ablated": ablated, "zero": scheduler_factory("zero")}, [20_000], workers=1
    )
    assert scores.results["whole"].score == scores.results["ablated"].score


def test_a_perturbation_has_its_size_and_depends_on_the_episode_not_on_its_row(simulator):
    view = simulator.view
    noises = []
    for seeds in ([5, 6], [6, 5]):
        scheduler = ablations.perturbed(Filled, 0.01)(view)
        scheduler.reset(view, np.ones(2, bool), np.array(seeds))
        noises.append(np.stack([scheduler.act(view) - Filled(view).act(view) for _ in range(50)]))
    assert np.array_equal(noises[0], noises[1][:, ::-1])
    assert noises[0].std() == pytest.approx(0.01, rel=0.05) and abs(noises[0].mean()) < 1e-3
